"""The last release's real APIs on the upgraded cloud: does it still work?"""
