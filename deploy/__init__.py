"""How Lensora Studio is installed and watched: chart, images, dashboards, and rehearsals of them."""
