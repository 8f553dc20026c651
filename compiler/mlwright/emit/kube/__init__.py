"""What every target that writes Kubernetes objects shares: names, labels, pods, volumes, one file per object."""
