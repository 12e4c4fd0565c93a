"""An installation in a Kubernetes namespace, looked at through kubectl: ``lensora doctor --cluster``."""
