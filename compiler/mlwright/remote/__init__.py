"""What talks to live servers: the tracking server over its REST interface."""
