"""Application Auto Scaling of services: suspend scaling out during a deployment, and resume it."""
