"""The REST surface: routes, schemas, problem details, authentication, signed files, the studio in the browser."""
