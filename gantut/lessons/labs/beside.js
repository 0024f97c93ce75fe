// Work beside the page: a worker that runs this very script, so that the page has only to draw. Its text is at hand, and
// nothing is fetched for it: it works offline, from a file on a disk, and in a notebook.

// A worker, to which `heard` listens. Where none can be made `failed` is called: at once in an old browser, a little later
// where the policy of the page forbids it.
function workBeside(heard, failed) {
  let address,
    worker,
    answered = false;
  const end = () => {
    worker?.terminate();
    URL.revokeObjectURL(address);
  };
  const fail = (event) => {
    if (!answered) event?.preventDefault?.(); // it is no error of the page: there is another way
    end();
    failed();
  };
  try {
    address = URL.createObjectURL(new Blob([`(${script})();`], { type: "text/javascript" }));
    worker = new Worker(address);
  } catch {
    fail();
    return null;
  }
  worker.onmessage = ({ data }) => {
    answered = true; // what fails from now on is a mistake of ours, and is told
    heard(data);
  };
  worker.onerror = fail;
  return { tell: (message, given = []) => worker.postMessage(message, given), end };
}
