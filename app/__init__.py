"""Join the packages: web application, processes, jobs, command line, migrations.

From settings and commands it makes a running service, its backups and its demo.
"""
