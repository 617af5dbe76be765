"""Why tasks and services fail: the table, situations on the simulator, and the text that people see."""
