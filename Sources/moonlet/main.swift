print("moonlet")
