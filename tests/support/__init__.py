"""What tests, drills and benches share: servers, databases, secrets as a client would make them."""
