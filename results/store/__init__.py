"""What a run leaves behind on disk: curves, snapshots, records, and the one reader of a results folder."""
