"""The optimal discriminator"""
