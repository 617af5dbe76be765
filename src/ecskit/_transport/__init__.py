"""Sends requests through botocore and aiobotocore: sessions, clients, raw bodies, errors. No other part uses them."""
