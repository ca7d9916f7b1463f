-- person: The name and address of whoever is signed in.
SELECT p.name, p.email FROM coop.person p WHERE p.id = %(person_id)s
