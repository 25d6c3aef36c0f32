"""The edge that talks to Docker and to the database: the lab's containers, its database server, its tools."""
