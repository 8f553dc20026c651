"""What a project is asked without writing anything: how it hangs together, and where a value came from."""
