"""What every resource of the REST surface needs: routes, keys, errors, repeats, connections."""
