"""The running server: the composition root, the listener, the sweeper, logs and metrics."""
