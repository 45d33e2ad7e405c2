"""The demo: the whole pipeline on one machine for about two minutes, with attacks at known moments, and its own audit."""
