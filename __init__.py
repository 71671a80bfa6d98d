"""pgsuite: which policy-gradient algorithm is better on which tasks, and did a change make it worse?"""

__version__ = "0.1.0"
