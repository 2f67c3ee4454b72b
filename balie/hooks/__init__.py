"""Events of appointments on their way to other systems."""
