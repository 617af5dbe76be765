"""The only part of ecskit that touches botocore and aiobotocore: sessions, clients, bytes and their errors."""
