"""The tests; a package so that `tests.support` is this repository's and no other's."""
