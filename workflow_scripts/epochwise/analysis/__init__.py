"""What is measured on one run: phases, separation and the large activation."""
