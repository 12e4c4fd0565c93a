"""The words of the domain: artifacts, job and step states, errors, cameras, frames. No I/O, no clock."""
