"""What is measured of a cohort at a snapshot, from its weights alone."""
