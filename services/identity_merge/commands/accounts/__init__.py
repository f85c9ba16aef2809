"""How customers register, log in, and keep their account: codes, proofs, providers, passwords, sessions (A3, A4, A7, A8, C6, F13).

    codes, links, providers ──▶ a proof ──▶ somebody's login:  sessions.begin_session
                                       └──▶ nobody's:          proofs.put_proof … registering.register
                                       └──▶ of who asked:      owning.add_login

Nothing here takes another way for an identifier that is nobody's than for one that is somebody's, before it is proved: the same
statements, the same answers. Only the message differs, which none but its reader sees.
"""
