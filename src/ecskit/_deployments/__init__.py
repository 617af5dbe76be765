"""Deployments of services: start one, observe it, decide how it stands, roll it back; with its values and errors."""
