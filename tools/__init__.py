"""What writes documents: their tables and pictures, from recorded files."""
