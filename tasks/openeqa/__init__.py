"""OpenEQA's and LA-EQA's own folders: recorded, asked, scored, and answered in OpenEQA's file format."""
