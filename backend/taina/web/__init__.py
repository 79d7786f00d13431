"""HTTP and nothing else: resources that translate between requests and calls of the rules."""
