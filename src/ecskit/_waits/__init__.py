"""Waits, written once as flows; the clients' `wait` namespaces are generated from their signatures."""
