"""Other libraries as contestants, each in its fastest documented form and its own process.

None of these modules imports Keras: what they need of a robot is in the task.
"""
