"""The wire format, version 1: pure functions from bytes to bytes, and nothing else.

Five rooms, the same five as in site/js/format/: `derive` (keys from the link), `links` (fragments),
`payload` (what is sealed), `stream` (how it is sealed), and `envelope` (answers to requests). The specification
is site/texts/en/format.md; tests/vectors/ holds both implementations to it.
"""
