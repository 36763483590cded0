"""Sessions filled from a training loop of somebody's own: arrays by the core, and adapters that fetch them."""
