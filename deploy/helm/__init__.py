"""The Helm chart, and the programs that keep it: the table of its values and the installer of helm."""
