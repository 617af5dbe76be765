"""Deployments of services: start, observe, judge and roll back one; with its values and errors."""
