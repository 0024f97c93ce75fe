"""Thin supports and vanishing gradients"""
