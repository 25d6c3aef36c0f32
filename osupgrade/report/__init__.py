"""What a run says about itself: to a terminal, a browser, another program, a CI server, and the operator at night."""
