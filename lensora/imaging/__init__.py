"""Pictures in: uploaded files checked, decoded, turned upright and brought to sRGB."""
