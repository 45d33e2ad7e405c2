"""What people do about incidents: see them, take them up, close them, suppress what is known. The console and the commands stand on it."""
