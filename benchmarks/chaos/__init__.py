"""What the job promises, tried: kills, outages, two writers, poison, mutants and too little memory, on real servers."""
