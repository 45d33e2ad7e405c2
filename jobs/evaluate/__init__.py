"""What the detectors find: scenarios, quiet traffic and labelled data, measured and written down."""
