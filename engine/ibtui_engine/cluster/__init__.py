"""A session's cohorts trained by the workers of a Dask cluster, with this process as the only writer of the session."""
