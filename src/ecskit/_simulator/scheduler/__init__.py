"""The service scheduler of the simulator: services, what they launch, and how one revision follows another.

Decides nothing: `records` hold, `counting` and `replacing` judge, `staffing` launches and stops, `rollouts` and
`stages` lead deployments from status to status, `schedule` moves it all through time, `showing` tells what the wire
has. Requests are not its business.
"""
