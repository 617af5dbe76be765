"""The data channel of ECS Exec: the protocol of SSM sessions, with bytes and time in, messages and events out."""
