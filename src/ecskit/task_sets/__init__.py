"""Verbs over task sets, those of services whose deployments somebody else controls; `ecs.task_sets` has them."""
