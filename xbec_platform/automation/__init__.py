"""What starts runs: jobs, schedules, sensors. No computation; everything is stopped until somebody switches it on."""
