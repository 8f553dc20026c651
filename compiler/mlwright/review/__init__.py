"""What a change means: two revisions compared, in the words of the project file and in those of manifests."""
