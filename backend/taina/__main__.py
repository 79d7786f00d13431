from taina.cli import main

main(prog_name="taina")
