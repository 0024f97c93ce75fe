"""How far apart are two distributions?"""
