"""Whether the output beside a project is what the project compiles to, and what to do where it is not."""
