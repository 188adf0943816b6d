"""Benchmarks that a user can run (`hotline bench`): each prints ratios against peers measured in the same run."""
